"""SPARQL texts and requests as values: tokens, outline, guard, protocol, formats. No sockets and no store."""
