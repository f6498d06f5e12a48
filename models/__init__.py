"""What crosses a boundary: frozen pydantic models, no behaviour beyond validation."""
