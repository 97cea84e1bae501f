"""Pictures in pages: SVG made here, coloured by the style sheet."""
