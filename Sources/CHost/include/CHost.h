#ifndef MARTLET_CHOST_H
#define MARTLET_CHOST_H

/// Gives the columns and rows of the terminal behind `descriptor`. 0, or -1 when it is no terminal.
int martlet_terminal_size(int descriptor, int *columns, int *rows);

#endif
