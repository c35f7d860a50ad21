package dev.s3llm.examples.cli.lab;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A chart of mean against p99 of the total latency, as SVG: one panel for each load, one point for
 * each order. Orders that differ in their parameter alone, such as {@code spf:10} and {@code
 * spf:100}, are joined by a line in the order in which they were given. Each point shows the median
 * over the seeds, and a cross shows the range. Both axes are logarithmic, so that equal distances
 * are equal ratios.
 */
public final class FrontierChart {
  private static final int WIDTH = 520;
  private static final int HEIGHT = 400;
  private static final int LEFT = 70;
  private static final int RIGHT = 90;
  private static final int TOP = 40;
  private static final int BOTTOM = 55;

  /** Height of a line of text, and the usual width of a label. */
  private static final double LINE = 13;

  private static final double LABEL = 60;

  /** The largest over the least value of an axis that has equal steps. */
  private static final double SHORT_AXIS = 6;

  private static final List<String> COLOURS =
      List.of("#1f5fa8", "#c2410c", "#2f7d32", "#7b3fa0", "#8a6d00", "#b0185a", "#0b7285");

  private final Map<String, List<Point>> panels = new LinkedHashMap<>();

  /** Creates a chart without points. */
  public FrontierChart() {}

  /**
   * The latency of an order.
   *
   * @param order the name of the order, with its parameter after a colon if it has one
   * @param mean the mean latency in seconds, above 0
   * @param p99 the 99th percentile in seconds, above 0
   */
  public record Point(String order, Range mean, Range p99) {
    private String family() {
      int colon = order.indexOf(':');
      return colon < 0 ? order : order.substring(0, colon);
    }
  }

  /**
   * A figure over the seeds.
   *
   * @param median its median
   * @param least its least value
   * @param most its largest value
   */
  public record Range(double median, double least, double most) {}

  /**
   * Adds a point.
   *
   * @param panel the title of its panel
   * @param point the point
   */
  public void add(String panel, Point point) {
    panels.computeIfAbsent(panel, unused -> new ArrayList<>()).add(point);
  }

  /** Returns the chart. */
  public String svg() {
    StringBuilder svg = new StringBuilder();
    svg.append(
        format(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' height='%d'"
                + " font-family='sans-serif' font-size='12'>%n",
            WIDTH * panels.size(), HEIGHT, WIDTH * panels.size(), HEIGHT));
    svg.append("<rect width='100%' height='100%' fill='white'/>\n");
    int left = 0;
    for (Map.Entry<String, List<Point>> panel : panels.entrySet()) {
      svg.append(format("<g transform='translate(%d 0)'>%n", left));
      new Panel(panel.getKey(), panel.getValue()).draw(svg);
      svg.append("</g>\n");
      left += WIDTH;
    }
    return svg.append("</svg>\n").toString();
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;");
  }

  /** A logarithmic axis from one pixel to another. */
  private record Axis(double least, double most, double from, double to) {
    static Axis over(List<Range> ranges, double from, double to) {
      double least = ranges.stream().mapToDouble(Range::least).min().orElse(1);
      double most = ranges.stream().mapToDouble(Range::most).max().orElse(1);
      return new Axis(least / 1.15, most * 1.15, from, to);
    }

    double at(double value) {
      return from + (to - from) * Math.log(value / least) / Math.log(most / least);
    }

    /** Returns round numbers on the axis: equal steps on a short one, else some of each decade. */
    List<Double> ticks() {
      return most / least < SHORT_AXIS ? equalSteps() : decades();
    }

    private List<Double> equalSteps() {
      double step = Math.pow(10, Math.floor(Math.log10((most - least) / 2)));
      double wide = (most - least) / step > 8 ? 5 * step : 2 * step;
      List<Double> ticks = new ArrayList<>();
      for (double n = Math.ceil(least / wide); n * wide <= most; n++) {
        ticks.add(n * wide);
      }
      return ticks;
    }

    private List<Double> decades() {
      List<Double> ticks = new ArrayList<>();
      for (double power = Math.pow(10, Math.floor(Math.log10(least))); power <= most; power *= 10) {
        for (int digit : new int[] {1, 2, 3, 5, 7}) {
          if (digit * power >= least && digit * power <= most) {
            ticks.add(digit * power);
          }
        }
      }
      return ticks;
    }
  }

  /** One panel of the chart. */
  private static final class Panel {
    private final String title;
    private final List<Point> points;
    private final Axis x;
    private final Axis y;

    /** The left ends and the heights of the labels so far. */
    private final List<double[]> labels = new ArrayList<>();

    Panel(String title, List<Point> points) {
      this.title = title;
      this.points = points;
      this.x = Axis.over(points.stream().map(Point::mean).toList(), LEFT, WIDTH - RIGHT);
      this.y = Axis.over(points.stream().map(Point::p99).toList(), HEIGHT - BOTTOM, TOP);
    }

    void draw(StringBuilder svg) {
      svg.append(format("<text x='%d' y='24' font-size='14'>%s</text>%n", LEFT, escaped(title)));
      x.ticks().forEach(tick -> vertical(svg, tick));
      y.ticks().forEach(tick -> horizontal(svg, tick));
      svg.append(format("<text x='%d' y='%d'>mean total latency, s</text>%n", LEFT, HEIGHT - 14));
      svg.append(
          format(
              "<text transform='translate(18 %d) rotate(-90)'>p99 of total latency, s</text>%n",
              HEIGHT - BOTTOM));
      Map<String, List<Point>> families = new LinkedHashMap<>();
      points.forEach(p -> families.computeIfAbsent(p.family(), unused -> new ArrayList<>()).add(p));
      int colour = 0;
      for (List<Point> family : families.values()) {
        family(svg, family, COLOURS.get(colour++ % COLOURS.size()));
      }
    }

    private void vertical(StringBuilder svg, double tick) {
      svg.append(
          format(
              "<line x1='%2$.1f' x2='%2$.1f' y1='%3$d' y2='%4$d' stroke='#ddd'/>"
                  + "<text x='%2$.1f' y='%5$d' text-anchor='middle'>%1$s</text>%n",
              number(tick), x.at(tick), TOP, HEIGHT - BOTTOM, HEIGHT - BOTTOM + 16));
    }

    private void horizontal(StringBuilder svg, double tick) {
      svg.append(
          format(
              "<line x1='%3$d' x2='%4$d' y1='%2$.1f' y2='%2$.1f' stroke='#ddd'/>"
                  + "<text x='%5$d' y='%6$.1f' text-anchor='end'>%1$s</text>%n",
              number(tick), y.at(tick), LEFT, WIDTH - RIGHT, LEFT - 6, y.at(tick) + 4));
    }

    private static String number(double tick) {
      return BigDecimal.valueOf(tick)
          .round(new MathContext(3))
          .stripTrailingZeros()
          .toPlainString();
    }

    private void family(StringBuilder svg, List<Point> family, String colour) {
      StringBuilder line = new StringBuilder();
      for (Point point : family) {
        line.append(format("%.1f,%.1f ", x.at(point.mean.median), y.at(point.p99.median)));
      }
      svg.append(
          format(
              "<polyline points='%s' fill='none' stroke='%s'/>%n",
              line.toString().strip(), colour));
      family.stream()
          .sorted(Comparator.comparing(Point::order))
          .forEach(point -> point(svg, point, colour));
    }

    private void point(StringBuilder svg, Point point, String colour) {
      double at = x.at(point.mean.median);
      double high = y.at(point.p99.median);
      svg.append(
          format(
              "<path d='M%.1f %.1fH%.1fM%.1f %.1fV%.1f' stroke='%s' stroke-opacity='0.5'/>%n",
              x.at(point.mean.least),
              high,
              x.at(point.mean.most),
              at,
              y.at(point.p99.least),
              y.at(point.p99.most),
              colour));
      svg.append(
          format(
              "<circle cx='%.1f' cy='%.1f' r='3.5' fill='%s'/>"
                  + "<text x='%.1f' y='%.1f' fill='%s'>%s</text>%n",
              at,
              high,
              colour,
              at + 6,
              labelHeight(at + 6, high - 5),
              colour,
              escaped(point.order)));
    }

    /** Returns the height of a label: the wanted one, or below the labels that are in its way. */
    private double labelHeight(double left, double wanted) {
      double height = wanted;
      while (overlaps(left, height)) {
        height += LINE;
      }
      labels.add(new double[] {left, height});
      return height;
    }

    private boolean overlaps(double left, double height) {
      return labels.stream()
          .anyMatch(
              label ->
                  Math.abs(label[0] - left) < LABEL && Math.abs(label[1] - height) < LINE - 0.5);
    }
  }
}
