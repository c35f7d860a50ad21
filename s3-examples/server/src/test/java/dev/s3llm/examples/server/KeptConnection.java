package dev.s3llm.examples.server;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** A connection of HTTP/1.1 that is used again, without a client that would open another one. */
final class KeptConnection implements AutoCloseable {
  private final Socket socket;
  private final InputStream in;
  private boolean closes;

  KeptConnection(TestServer server) throws IOException {
    socket = server.connect();
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(20_000); // far below the limits of an idle connection
    in = new BufferedInputStream(socket.getInputStream());
  }

  static byte[] head(String line, String headers, int length) {
    String head = "%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n";
    return head.formatted(line, headers, length).getBytes(StandardCharsets.US_ASCII);
  }

  void send(byte[]... parts) throws IOException {
    for (byte[] part : parts) {
      socket.getOutputStream().write(part);
    }
  }

  /** Reads a response to its end, and returns its status. */
  String status() throws IOException {
    String status = line().split(" ")[1];
    int length = 0;
    boolean chunked = false;
    for (String line = line(); !line.isEmpty(); line = line()) {
      if (line.startsWith("content-length: ")) {
        length = Integer.parseInt(line.substring("content-length: ".length()));
      }
      chunked |= line.equals("transfer-encoding: chunked");
      closes |= line.equals("connection: close");
    }
    for (int size = chunked ? -1 : 0; size != 0; ) {
      size = Integer.parseInt(line(), 16);
      in.skipNBytes(size + 2L); // and the end of the line
    }
    in.skipNBytes(length);
    return status;
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int one = in.read(); one != '\n'; one = in.read()) {
      if (one < 0) {
        throw new EOFException("the server has closed the connection");
      }
      line.append((char) one);
    }
    return line.toString().strip().toLowerCase(Locale.ROOT);
  }

  /** Returns whether a response has said that the server closes the connection. */
  boolean closes() {
    return closes;
  }

  /** Waits until the server sends something or closes the connection; returns whether it did. */
  boolean isClosed() throws IOException {
    return in.read() < 0;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
