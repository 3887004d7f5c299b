"""The sentences of the catalogues as a table, for a native reader who corrects them."""
