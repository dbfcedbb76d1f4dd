// Every figure is the set of points within some distance of a segment; a pixel takes as much of the
// colour as its centre lies inside, so edges are smooth.
#include "env/canvas.h"

#include <math.h>

#include "env/arithmetic.h"

void sac_canvas_clear(sac_canvas *canvas, sac_color color) {
  const sac_picture *picture = canvas->picture;
  size_t pixels = (size_t)picture->width * (size_t)picture->height;
  for (size_t i = 0; i < pixels; i++) {
    picture->rgb[3 * i] = color.red;
    picture->rgb[3 * i + 1] = color.green;
    picture->rgb[3 * i + 2] = color.blue;
  }
}

// pixels in a unit
static double scale_of(const sac_canvas *canvas) {
  return canvas->picture->width / canvas->width;
}

// in pixels, from the top left
static sac_point place(const sac_canvas *canvas, sac_point point) {
  double scale = scale_of(canvas);
  return (sac_point){canvas->picture->width / 2.0 + scale * (point.x - canvas->center.x),
                     canvas->picture->height / 2.0 - scale * (point.y - canvas->center.y)};
}

static double distance_to_segment(sac_point p, sac_point a, sac_point b) {
  double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
  double along = length > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length : 0;
  along = sac_clamp(along, 0, 1);
  return hypot(p.x - a.x - along * dx, p.y - a.y - along * dy);
}

static void blend(uint8_t *pixel, sac_color color, double share) {
  const uint8_t wanted[] = {color.red, color.green, color.blue};
  for (int i = 0; i < 3; i++) pixel[i] = (uint8_t)lrint(pixel[i] + share * (wanted[i] - pixel[i]));
}

// the whole pixels from `low` to `high`, of `count`; far and undefined places give few or none
typedef struct span {
  int first, end;
} span;

static span cover(double low, double high, int count) {
  if (!(low < count && high > 0)) return (span){0, 0};
  return (span){(int)fmax(floor(low), 0), (int)fmin(ceil(high), count)};
}

// `radius` in pixels, as are the ends
static void stroke(sac_picture *picture, sac_point a, sac_point b, double radius, sac_color color) {
  double reach = radius + 1;
  span columns = cover(fmin(a.x, b.x) - reach, fmax(a.x, b.x) + reach, picture->width);
  span rows = cover(fmin(a.y, b.y) - reach, fmax(a.y, b.y) + reach, picture->height);
  for (int y = rows.first; y < rows.end; y++)
    for (int x = columns.first; x < columns.end; x++) {
      double inside = radius + 0.5 - distance_to_segment((sac_point){x + 0.5, y + 0.5}, a, b);
      if (inside > 0)
        blend(picture->rgb + 3 * ((size_t)y * (size_t)picture->width + (size_t)x), color,
              fmin(inside, 1));
    }
}

void sac_canvas_line(sac_canvas *canvas, sac_point from, sac_point to, double width,
                     sac_color color) {
  stroke(canvas->picture, place(canvas, from), place(canvas, to), scale_of(canvas) * width / 2,
         color);
}

void sac_canvas_disc(sac_canvas *canvas, sac_point center, double radius, sac_color color) {
  sac_canvas_line(canvas, center, center, 2 * radius, color);
}

void sac_canvas_path(sac_canvas *canvas, const sac_point *points, int count, double width,
                     sac_color color) {
  for (int i = 0; i + 1 < count; i++)
    sac_canvas_line(canvas, points[i], points[i + 1], width, color);
}
