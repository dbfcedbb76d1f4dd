// Simple pictures of tasks in the plane, in software: discs and strokes with smooth edges.
#pragma once

#include "sac/env.h"

typedef struct sac_color {
  uint8_t red, green, blue;
} sac_color;

typedef struct sac_point {
  double x, y;  // in the task's own unit, y upwards
} sac_point;

/// The window of the plane that a picture shows: `width` units wide around `center`.
typedef struct sac_canvas {
  sac_picture *picture;
  sac_point center;
  double width;
} sac_canvas;

/// All pixels of one colour.
void sac_canvas_clear(sac_canvas *canvas, sac_color color);

void sac_canvas_disc(sac_canvas *canvas, sac_point center, double radius, sac_color color);

/// A line with round ends, `width` units thick.
void sac_canvas_line(sac_canvas *canvas, sac_point from, sac_point to, double width,
                     sac_color color);

/// Lines from each point to the next.
void sac_canvas_path(sac_canvas *canvas, const sac_point *points, int count, double width,
                     sac_color color);
