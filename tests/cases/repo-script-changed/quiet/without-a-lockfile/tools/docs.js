serve();
