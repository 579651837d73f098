"""How exactly packed models answer, by family and by versions of the libraries."""
