"""The world's time: services of four weeks and real tables in order, and who tells what of them."""
