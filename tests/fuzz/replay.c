/* SPDX-License-Identifier: MIT */
/* replay: runs a fuzz target over the files of a folder and prints TAP; a file that makes it abort is the last. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "target.h"

#define INPUT_MAX 1048576

static int replay(const char *folder, const char *name)
{
	uint8_t *input = malloc(INPUT_MAX);
	uint8_t *exact;
	char path[4096];
	size_t len;
	FILE *in;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	in = fopen(path, "rb");
	if (!in || !input) {
		free(input);
		return -1;
	}
	len = fread(input, 1, INPUT_MAX, in);
	(void)fclose(in);
	exact = realloc(input, len > 0 ? len : 1); /* so that sanitizers see its end */
	if (!exact) {
		free(input);
		return -1;
	}
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **names;
	int count = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1;
	int number = 0;
	int failed = 0;

	if (count < 0) {
		(void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.') {
			int rc = replay(argv[1], names[i]->d_name);

			failed += rc < 0;
			(void)printf("%s %d - %s\n", rc < 0 ? "not ok" : "ok", ++number,
				names[i]->d_name);
			(void)fflush(stdout);
		}
		free(names[i]);
	}
	free(names);
	(void)printf("1..%d\n", number);
	return failed > 0 || number == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
