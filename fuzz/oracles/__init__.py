"""Second implementations, written from the formats' own documents: nothing here comes from the product."""
