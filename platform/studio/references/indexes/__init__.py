"""The engines behind `studio.references.indexing`, and what keeps them true to the database."""
