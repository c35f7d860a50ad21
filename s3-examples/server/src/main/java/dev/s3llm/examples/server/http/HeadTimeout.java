package dev.s3llm.examples.server.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.netty.NettyPipeline;

/**
 * Closes connections on which no complete request head arrives in time: the first head within one
 * limit, and each further one within another limit after the last response. A timeout of single
 * reads would not do: a client may send its head byte by byte. Used by its channel's event loop
 * only.
 *
 * <p>After each response the handler also asks for the next request. The web server should do so,
 * but version 1.3.7 does not if a request arrives before the server has finished with the request
 * before and is then answered at once (reactor-netty issue 4361): the connection would stay open
 * and never be read again.
 */
public final class HeadTimeout extends ChannelDuplexHandler {
  private final Duration first;
  private final Duration next;
  private int unanswered;
  private @Nullable Future<?> timer;

  private HeadTimeout(Duration first, Duration next) {
    this.first = first;
    this.next = next;
  }

  /**
   * Adds the timeout to a channel of HTTP/1.1 only. Where HTTP/2 is enabled nothing is added: the
   * client chooses the protocol later, and a connection has several requests at a time.
   *
   * @param first most time from the start of the connection to its first head
   * @param next most time from a response to the next head
   */
  public static void add(Channel channel, Duration first, Duration next) {
    ChannelPipeline pipeline = channel.pipeline();
    if (pipeline.get(NettyPipeline.HttpCodec) != null) {
      pipeline.addAfter(NettyPipeline.HttpCodec, "s3.headTimeout", new HeadTimeout(first, next));
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    await(context, first);
    context.fireChannelActive();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    stop();
    context.fireChannelInactive();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof HttpRequest) {
      unanswered++;
      stop();
    }
    context.fireChannelRead(message);
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    ChannelPromise written = promise;
    if (message instanceof LastHttpContent && !interim(message)) {
      written = promise.unvoid().addListener(done -> answered(context));
    }
    var unused = context.write(message, written);
  }

  /** Returns whether a message is an interim response, such as 100. */
  static boolean interim(Object message) {
    return message instanceof HttpResponse response
        && response.status().codeClass() == HttpStatusClass.INFORMATIONAL;
  }

  private void answered(ChannelHandlerContext context) {
    unanswered--;
    if (unanswered == 0 && context.channel().isActive()) {
      await(context, next);
      context.executor().execute(() -> readNext(context)); // behind what the web server does now
    }
  }

  private void readNext(ChannelHandlerContext context) {
    if (unanswered == 0 && context.channel().isActive()) {
      context.read();
    }
  }

  private void await(ChannelHandlerContext context, Duration limit) {
    stop();
    timer =
        context.executor().schedule(() -> close(context), limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static void close(ChannelHandlerContext context) {
    var unused = context.close();
  }

  private void stop() {
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
  }
}
