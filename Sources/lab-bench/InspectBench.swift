import Capture
import Foundation
import SansIO

/// `kallglot-lab inspect` on captures made here, beside `tshark -q -z rtp,streams` and an earlier `kallglot-lab` on the same.
enum InspectBench {
  private static let tshark = "/usr/bin/tshark"
  private static let rounds = 3

  /// - Parameters:
  ///   - lab: the `kallglot-lab` to measure.
  ///   - base: an earlier one; nil = none to compare with.
  static func run(_ lab: String?, base: String?) throws -> [Row] {
    guard let lab else { return [] }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-bench-\(getpid())-inspect").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try calls(lab, "\(folder)/calls.pcapng") + dialogs(lab, base, "\(folder)/dialogs.pcapng")
  }

  private static func calls(_ lab: String, _ path: String) throws -> [Row] {
    let frames = CaptureMaker.calls(1_500, packets: 500, to: ByteOutput(path: path))
    let ours = try best(lab, path)
    var rows = [
      Row(
        name: "inspect of \(frames) frames, 1,500 calls", value: Double(frames) / ours.seconds / 1e6, unit: "M frames/s",
        note: String(format: "%.2f s", ours.seconds)),
      Row(name: "  peak memory", value: ours.megabytes, unit: "MB", bar: 64, isCeiling: true),
    ]
    guard FileManager.default.isExecutableFile(atPath: tshark) else {
      return rows + [Row(name: "  tshark is not installed", value: 0, unit: "")]
    }
    let theirs = try ChildProcess.run([tshark, "-q", "-z", "rtp,streams", "-r", path])
    rows.append(
      Row(
        name: "  time of tshark -z rtp,streams over ours", value: theirs.seconds / ours.seconds, unit: "×", bar: 10,
        note: String(format: "%.1f s", theirs.seconds)))
    return rows
  }

  private static func dialogs(_ lab: String, _ base: String?, _ path: String) throws -> [Row] {
    let count = 200_000
    _ = CaptureMaker.dialogs(count, to: ByteOutput(path: path))
    let ours = try best(lab, path)
    var rows = [
      Row(
        name: "inspect of \(count) dialogs of two messages", value: Double(count) / ours.seconds / 1e3, unit: "thousand dialogs/s",
        note: String(format: "%.2f s", ours.seconds)),
      Row(name: "  peak memory", value: ours.megabytes, unit: "MB", bar: 200, isCeiling: true),
    ]
    guard let base else { return rows }
    let earlier = try best(base, path)
    rows.append(
      Row(
        name: "  ours over the time of \(base)", value: ours.seconds / earlier.seconds, unit: "×", bar: 0.6, isCeiling: true,
        note: String(format: "%.2f s, %.0f MB", earlier.seconds, earlier.megabytes)))
    return rows
  }

  /// The round that was least disturbed.
  private static func best(_ program: String, _ path: String) throws -> ChildProcess.Usage {
    var best = try ChildProcess.run([program, "inspect", path])
    for _ in 1..<rounds {
      let usage = try ChildProcess.run([program, "inspect", path])
      if usage.seconds < best.seconds { best = usage }
    }
    return best
  }
}
