package dev.s3llm.model.json;

import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Recognises the small texts that stand for large files in a repository that was cloned without Git
 * LFS.
 */
public final class GitLfs {
  private static final byte[] START =
      "version https://git-lfs.github.com/spec/".getBytes(StandardCharsets.US_ASCII);
  private static final int MAX_BYTES = 1024;

  private GitLfs() {}

  /**
   * Refuses a file that is a pointer of Git LFS. A file that cannot be read is left to its reader.
   *
   * @param file the file
   * @throws ModelFormatException naming the file and what to do
   */
  public static void refusePointer(Path file) {
    if (isPointer(file)) {
      throw new ModelFormatException(
          file
              + " is a pointer of Git LFS, not the file itself; run 'git lfs pull' in its folder or"
              + " download the file");
    }
  }

  private static boolean isPointer(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return Files.size(file) <= MAX_BYTES && Arrays.equals(in.readNBytes(START.length), START);
    } catch (IOException e) {
      return false;
    }
  }
}
