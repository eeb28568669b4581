"""Everything that knows MongoDB: documents, queries, indexes, the deciding transaction, its errors."""
