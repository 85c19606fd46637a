old(1);
