// Pictures of episodes as they are evaluated: a video, a folder of PNG files or a contact sheet,
// whichever the path asks for.
#pragma once

#include "env/environment.h"

typedef struct sac_film sac_film;

/// Width and height of its pictures in pixels.
enum { SAC_FILM_SIZE = 480 };

/// Whether `path` names a kind of film: it ends in .mp4 (video), in .png (contact sheet), in '/' or
/// is a folder (PNG files). SAC_BAD_CONFIG tells the choices.
sac_status sac_film_check(const char *path, sac_error *err);

/// Open the film of `episodes` episodes. All that can be known to fail does so here: no pictures of
/// this task and a folder that holds a film (SAC_BAD_CONFIG), no ffmpeg (SAC_FAILED), a place that
/// cannot be written (SAC_BAD_DISK).
sac_status sac_film_open(const char *path, const sac_task *task, int episodes, sac_film **film,
                         sac_error *err);

/// Take the present state of an episode: call it after the reset and after each step. Fails as the
/// drawing, ffmpeg and the disk do.
sac_status sac_film_take(sac_film *film, const sac_environment *environment, sac_error *err);

/// Finish the file; `film` is gone in any case.
sac_status sac_film_close(sac_film *film, sac_error *err);

/// Stop, and leave no file but the PNG files of a folder. NULL is fine.
void sac_film_abandon(sac_film *film);
