# Installation comes with the program: headers under include/retort, targets under retort::.
