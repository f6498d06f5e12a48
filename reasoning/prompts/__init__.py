"""What models are told, in versioned files, and the code that loads them."""
