"""What the page's scripts need: arrays, thumbnails, cuts of the tree, tables to save."""
