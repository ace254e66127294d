import Capture
import Inspection
import SansIO
import Testing
import WireReader

@testable import lab_bench

/// The captures that `inspect` is measured on, small.
@Suite struct CaptureMakerTests {
  private func read(_ output: ByteOutput) throws -> PassiveReader {
    let passive = PassiveReader(path: "made")
    var reader = try CaptureReader(output.bytes)
    while let packet = try reader.nextPacket() { _ = passive.take(packet) }
    _ = passive.finish(problem: nil)
    return passive
  }

  @Test func `calls are answered and hung up, with audio and reports both ways, and a hundredth of the audio lost`() throws {
    let output = ByteOutput()
    let frames = CaptureMaker.calls(12, packets: 600, to: output)
    let reader = try read(output)
    #expect(reader.facts.frames == frames && reader.facts.copiedFrames == 0)
    let streams = reader.streams.credible
    #expect(streams.count == 24 && streams.allSatisfy { $0.isSignalled && $0.codec == "PCMU" })
    let lost = streams.reduce(0) { $0 + $1.lost }
    #expect((80...220).contains(lost), "\(lost) of 14,400")
    #expect(streams.allSatisfy { reader.streams.control[$0.key]?.senderReports == 3 })
    let report = try Inspector().inspect(output.bytes)
    #expect(report.messageCount == 12 * 7)
    // A hundredth is what this check speaks of; nothing else is wrong.
    #expect(Set(report.findings.map(\.check)) == ["stream-quality"])
  }

  @Test func `dialogs of two messages are INVITEs that are refused`() throws {
    let output = ByteOutput()
    let frames = CaptureMaker.dialogs(30, to: output)
    let report = try Inspector().inspect(output.bytes)
    #expect(frames == 60 && report.messageCount == 60)
    #expect(report.findings.map(\.check) == ["call-refused"] && report.findings.first?.dialogs == 30)
  }
}
