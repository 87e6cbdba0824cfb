module example.org/hello

go 1.19

require example.org/greeting v0.0.0

// For work without martlet; in a build it is replaced by the built package.
replace example.org/greeting => ../../libs/greeting
