import Foundation
import SansIO
import Testing

@testable import Codecs

@Suite struct G722Tests {
  private func encoded(seconds: Int) -> (samples: [Int16], payload: [UInt8]) {
    var (signal, encoder) = (Signal(sampleRate: 16_000), Codec.g722.encoder)
    var (samples, payload): ([Int16], [UInt8]) = ([], [])
    for _ in 0..<seconds * 50 {
      let frame = signal.frame(milliseconds: 20)
      samples += frame.samples
      encoder.encode(frame, into: &payload)
    }
    return (samples, payload)
  }

  private func decoded(_ payload: [UInt8]) -> [Int16] {
    var (decoder, frame, samples) = (Codec.g722.decoder, AudioFrame(sampleRate: 8_000), [Int16]())
    for start in stride(from: 0, to: payload.count, by: 160) {
      decoder.decode(Bytes(payload)[start..<min(start + 160, payload.count)], into: &frame)
      samples += frame.samples
    }
    return samples
  }

  @Test func `G.722 has 8,000 ticks and 16,000 samples a second, an octet for two of them (RFC 3551 §4.5.2)`() {
    #expect(Codec.g722.clockRate == 8_000 && Codec.g722.sampleRate == 16_000)
    #expect(Codec.g722.samples(milliseconds: 20) == 320 && Codec.g722.ticks(milliseconds: 20) == 160)
    let (samples, payload) = encoded(seconds: 1)
    #expect(samples.count == 16_000 && payload.count == 8_000)
    #expect(decoded(payload).count == 16_000)
  }

  @Test func `the bits are the same ones on every run and every machine (G.722, integers alone)`() {
    let (samples, payload) = encoded(seconds: 8)
    #expect(checksum(octets(samples)) == 14_819_827_043_985_306_003)
    #expect(checksum(payload) == 9_349_832_254_460_902_571)
    #expect(checksum(octets(decoded(payload))) == 5_436_049_259_313_511_788)
  }

  @Test func `what comes back is what was said, 22 samples later`() {
    let (samples, payload) = encoded(seconds: 2)
    #expect(quality(decoded(payload).dropFirst(22), of: samples) > 15)
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/ffmpeg"), "ffmpeg is not installed"))
  func `encoder and decoder agree with those of ffmpeg to the bit`() throws {
    let (samples, payload) = encoded(seconds: 8)
    let raw = ["-f", "s16le", "-ar", "16000", "-ac", "1"]
    #expect(try ffmpeg(raw + ["-i", "IN", "-c:a", "g722", "-f", "g722", "OUT"], octets(samples)) == payload)
    #expect(try ffmpeg(["-f", "g722", "-i", "IN"] + raw + ["OUT"], payload) == octets(decoded(payload)))
  }

  private func ffmpeg(_ arguments: [String], _ input: [UInt8]) throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "g722-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (source, result) = (folder.appending(path: "in"), folder.appending(path: "out"))
    try Data(input).write(to: source)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/ffmpeg")
    process.arguments = ["-v", "error", "-nostdin"] + arguments.map { $0 == "IN" ? source.path : $0 == "OUT" ? result.path : $0 }
    try process.run()
    process.waitUntilExit()
    return [UInt8](try Data(contentsOf: result))
  }

  @Test func `any octets are audio, none and more than 200 ms are not (RFC 3551 §4.2)`() {
    var (decoder, frame) = (Codec.g722.decoder, AudioFrame(sampleRate: 16_000))
    #expect(decoder.decode(Bytes([7]), into: &frame) == nil && frame.samples.count == 2)
    #expect(decoder.decode(Bytes([]), into: &frame) == .empty && frame.samples.isEmpty)
    #expect(decoder.decode(Bytes([UInt8](repeating: 1, count: 1_600)), into: &frame) == nil && frame.samples.count == 3_200)
    #expect(decoder.decode(Bytes([UInt8](repeating: 1, count: 1_601)), into: &frame) == .tooLong && frame.samples.isEmpty)
  }
}
