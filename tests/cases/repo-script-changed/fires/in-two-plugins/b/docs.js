serve(1);
