"""What the plugin says of itself: about, tour and walk."""
