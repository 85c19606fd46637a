old(2);
