serve();
again();
