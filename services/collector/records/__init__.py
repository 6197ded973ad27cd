"""Records and their labels, on the way in and on the way out."""
