"""What is known of layers lying on each other, in words."""
