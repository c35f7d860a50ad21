// Draws the whole page.

headline();
summary();
overSweep();
latencies();
memory();
waiting();
batch();
numbers();
lastWidth = innerWidth;
redrawAll();
