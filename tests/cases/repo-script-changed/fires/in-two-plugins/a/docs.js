serve(2);
