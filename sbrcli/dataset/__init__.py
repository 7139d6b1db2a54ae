"""An event table becomes train, valid and test sessions."""
