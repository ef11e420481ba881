"""What an image is made of and by whom: bills of materials, provenance, signatures, and their verification."""
