"""A run as one HTML file that is readable offline."""
