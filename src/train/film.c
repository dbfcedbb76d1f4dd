#include "train/film.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files.h"
#include "io/png.h"
#include "io/video.h"
#include "train/contact_sheet.h"

typedef enum film_kind { VIDEO, FOLDER, SHEET, UNKNOWN } film_kind;

struct sac_film {
  film_kind kind;
  char path[SAC_PATH_MAX];
  sac_picture picture;
  int64_t taken;  // pictures in the folder
  sac_video *video;
  sac_contact_sheet *sheet;
  sac_new_file file;  // of the sheet
  bool has_file;
};

// steps a second where a task keeps no time
static const double usual_rate = 30;

static bool ends_in(const char *path, const char *ending) {
  size_t length = strlen(path), n = strlen(ending);
  return length >= n && strcmp(path + length - n, ending) == 0;
}

static film_kind kind_of(const char *path) {
  struct stat info;
  bool is_folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
  if (is_folder || ends_in(path, "/")) return FOLDER;
  if (ends_in(path, ".mp4")) return VIDEO;
  return ends_in(path, ".png") ? SHEET : UNKNOWN;
}

sac_status sac_film_check(const char *path, sac_error *err) {
  if (kind_of(path) != UNKNOWN) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG,
                       "--video is '%s', must end in .mp4 (a video), in .png (a contact sheet) or "
                       "in / (a folder of PNG frames)",
                       path);
}

static sac_status frame_path(const sac_film *film, int64_t number, char *path, sac_error *err) {
  char name[64];
  snprintf(name, sizeof name, "frame-%06lld.png", (long long)number);
  return sac_path_join(path, film->path, name, err);
}

// frames of two films in one folder would be taken for one
static sac_status open_folder(const sac_film *film, sac_error *err) {
  char first[SAC_PATH_MAX];
  SAC_TRY(sac_folder_make(film->path, err));
  SAC_TRY(frame_path(film, 0, first, err));
  if (!sac_path_exists(first)) return SAC_OK;
  return sac_error_set(err, SAC_BAD_CONFIG,
                       "%s: holds the frames of another film; name another "
                       "folder, or remove them",
                       film->path);
}

static sac_status open_sheet(sac_film *film, int episodes, sac_error *err) {
  SAC_TRY(sac_new_file_create(&film->file, film->path, err));
  film->has_file = true;
  return sac_contact_sheet_create(episodes, SAC_FILM_SIZE, SAC_FILM_SIZE, &film->sheet, err);
}

static sac_status open_kind(sac_film *film, const sac_task *task, int episodes, sac_error *err) {
  double rate = task->spec.frame_rate > 0 ? task->spec.frame_rate : usual_rate;
  if (!task->def->draw)
    return sac_error_set(err, SAC_BAD_CONFIG, "there are no pictures of %s", task->def->id);
  switch (film->kind) {
    case VIDEO:
      return sac_video_open(film->path, SAC_FILM_SIZE, SAC_FILM_SIZE, rate / task->frame_skip,
                            &film->video, err);
    case FOLDER:
      return open_folder(film, err);
    case SHEET:
      return open_sheet(film, episodes, err);
    case UNKNOWN:
      break;
  }
  return sac_film_check(film->path, err);
}

sac_status sac_film_open(const char *path, const sac_task *task, int episodes, sac_film **film,
                         sac_error *err) {
  sac_film *self = calloc(1, sizeof *self);
  uint8_t *rgb = malloc((size_t)SAC_FILM_SIZE * SAC_FILM_SIZE * 3);
  sac_status status = SAC_OK;
  if (!self || !rgb) {
    free(self);
    free(rgb);
    return sac_error_set(err, SAC_FAILED, "%s: no memory for pictures", path);
  }
  self->kind = kind_of(path);
  self->picture = (sac_picture){.width = SAC_FILM_SIZE, .height = SAC_FILM_SIZE, .rgb = rgb};
  if (snprintf(self->path, sizeof self->path, "%s", path) >= (int)sizeof self->path)
    status = sac_error_set(err, SAC_BAD_DISK, "the path %.60s... is too long", path);
  if (status == SAC_OK) status = open_kind(self, task, episodes, err);
  if (status == SAC_OK) *film = self;
  if (status != SAC_OK) sac_film_abandon(self);
  return status;
}

static sac_status write_frame(sac_film *film, sac_error *err) {
  char path[SAC_PATH_MAX];
  uint8_t *bytes;
  size_t size;
  SAC_TRY(frame_path(film, film->taken++, path, err));
  SAC_TRY(sac_png_encode(&film->picture, &bytes, &size, err));
  sac_status status = sac_file_write(path, bytes, size, err);
  free(bytes);
  return status;
}

sac_status sac_film_take(sac_film *film, const sac_environment *environment, sac_error *err) {
  if (film->sheet) {
    if (environment->step == 0) sac_contact_sheet_end_episode(film->sheet);
    if (!sac_contact_sheet_wants(film->sheet, environment->step)) return SAC_OK;
  }
  SAC_TRY(sac_environment_draw(environment, &film->picture, err));
  if (film->kind == FOLDER) return write_frame(film, err);
  if (film->kind == VIDEO) return sac_video_write(film->video, &film->picture, err);
  sac_contact_sheet_add(film->sheet, &film->picture);
  return SAC_OK;
}

static sac_status finish_sheet(sac_film *film, sac_error *err) {
  uint8_t *bytes;
  size_t size;
  sac_contact_sheet_end_episode(film->sheet);
  SAC_TRY(sac_png_encode(sac_contact_sheet_picture(film->sheet), &bytes, &size, err));
  sac_status status = sac_new_file_write(&film->file, bytes, size, err);
  free(bytes);
  SAC_TRY(status);
  film->has_file = false;
  return sac_new_file_commit(&film->file, err);
}

sac_status sac_film_close(sac_film *film, sac_error *err) {
  sac_status status = SAC_OK;
  if (film->kind == SHEET) status = finish_sheet(film, err);
  if (film->kind == VIDEO) {
    status = sac_video_close(film->video, err);
    film->video = NULL;
  }
  sac_film_abandon(film);
  return status;
}

void sac_film_abandon(sac_film *film) {
  if (!film) return;
  sac_video_abandon(film->video);
  if (film->has_file) sac_new_file_abandon(&film->file);
  sac_contact_sheet_destroy(film->sheet);
  if (film->picture.release) film->picture.release(film->picture.context);
  free(film->picture.rgb);
  free(film);
}
