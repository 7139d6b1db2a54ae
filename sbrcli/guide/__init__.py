"""The guide that ships with sbr: one Markdown page for each topic, and what reads them."""
