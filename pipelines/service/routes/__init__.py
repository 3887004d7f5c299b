"""The addresses of the desk: thin functions over what the other packages do."""
