"""Language models, one file each, behind one Protocol."""
