"""One function for each cause class: it plants the rows and returns what is true because of them."""
