package dev.s3llm.examples.server.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.DecoderResultProvider;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.nio.channels.ClosedChannelException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.netty.NettyPipeline;

/**
 * Answers a request that is not valid HTTP/1.1 with 400, or 413 if its head is too long, and closes
 * the connection. The web server does the same, but logs each such request at WARN or ERROR, and so
 * any client could fill the log. Used by its channel's event loop only.
 */
public final class BrokenRequests extends ChannelDuplexHandler {
  private static final Logger log = LoggerFactory.getLogger(BrokenRequests.class);

  private int unanswered;
  private boolean responseBegun;
  private boolean broken;

  private BrokenRequests() {}

  /** Adds the handler to a channel of HTTP/1.1 only, as {@link HeadTimeout#add} does. */
  public static void add(Channel channel) {
    ChannelPipeline pipeline = channel.pipeline();
    if (pipeline.get(NettyPipeline.HttpCodec) != null) {
      pipeline.addAfter(NettyPipeline.HttpCodec, "s3.brokenRequests", new BrokenRequests());
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (broken) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (message instanceof DecoderResultProvider part && part.decoderResult().isFailure()) {
      broken = true;
      refuse(context, message instanceof HttpRequest, part.decoderResult().cause());
      ReferenceCountUtil.release(message);
      return;
    }
    if (message instanceof HttpRequest request) {
      if (!namesHost(request)) {
        broken = true;
        refuse(context, true, new IllegalArgumentException("there must be one Host header"));
        ReferenceCountUtil.release(message);
        return;
      }
      unanswered++;
    }
    context.fireChannelRead(message);
  }

  /** Returns whether a request names its host once (RFC 9112, 3.2); one of HTTP/1.0 need not. */
  private static boolean namesHost(HttpRequest request) {
    int hosts = request.headers().getAll(HttpHeaderNames.HOST).size();
    return hosts == 1 || (hosts == 0 && request.protocolVersion().equals(HttpVersion.HTTP_1_0));
  }

  /** Answers, unless the answer would stand before or within that of another request. */
  private void refuse(ChannelHandlerContext context, boolean head, Throwable mistake) {
    log.debug("a request is not valid HTTP", mistake);
    boolean first = unanswered == (head ? 0 : 1) && !responseBegun;
    if (!first || !context.channel().isActive()) {
      var unused = context.close();
      return;
    }
    var unused = context.writeAndFlush(response(mistake)).addListener(ChannelFutureListener.CLOSE);
  }

  private static FullHttpResponse response(Throwable mistake) {
    HttpResponseStatus status =
        mistake instanceof TooLongFrameException
            ? HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE
            : HttpResponseStatus.BAD_REQUEST;
    FullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status);
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_LENGTH, HttpHeaderValues.ZERO)
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    return response;
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (broken) {
      ReferenceCountUtil.release(message);
      promise.tryFailure(new ClosedChannelException());
      return;
    }
    if (!HeadTimeout.interim(message)) {
      responseBegun |= message instanceof HttpResponse;
      if (message instanceof LastHttpContent) {
        responseBegun = false;
        unanswered--;
      }
    }
    var unused = context.write(message, promise);
  }
}
