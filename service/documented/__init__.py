"""What the OpenAPI document says of the addresses, and that no request asks for more."""
