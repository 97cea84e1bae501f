"""What was said and agreed: extractive without a model, as checked fields with one."""
