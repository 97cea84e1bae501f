"""Which calls need somebody's attention: rules that people write, and what shows that one holds."""
