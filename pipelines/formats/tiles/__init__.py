"""Maps cut into square pictures, as phones show them."""
