"""What the services say to each other and to the page, defined once for who answers and who reads.

Answers that OpenAPI describes are pydantic models. Records are msgspec structs, because there are many of them.
Readers ignore keys that they do not know, so that answers may grow.
"""
