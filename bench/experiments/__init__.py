"""What is measured of this project alone, a module each: what bounds it, and what its features and its size cost."""
