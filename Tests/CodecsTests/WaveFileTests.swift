import SansIO
import Testing

@testable import Codecs

@Suite struct WaveFileTests {
  /// A file of so many channels, with a chunk between `fmt ` and `data`.
  private func file(
    _ rate: Int = 8_000, channels: Int = 1, bits: Int = 16, coding: Int = 1, between: [UInt8] = [], samples: [Int16] = [1, -2, 300, -400]
  ) -> [UInt8] {
    func number(_ value: Int, _ width: Int) -> [UInt8] { (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let head = number(coding, 2) + number(channels, 2) + number(rate, 4) + number(2 * rate * channels, 4) + number(2 * channels, 2)
    let body = samples.flatMap { number(Int($0), 2) }
    let chunks =
      Array("WAVEfmt ".utf8) + number(16, 4) + head + number(bits, 2) + between + Array("data".utf8) + number(body.count, 4) + body
    return Array("RIFF".utf8) + number(chunks.count, 4) + chunks
  }

  private func fault(_ bytes: [UInt8]) -> WaveFile.Fault? {
    do throws(WaveFile.Fault) {
      _ = try WaveFile.parse(Bytes(bytes))
      return nil
    } catch { return error }
  }

  @Test(arguments: [8_000, 16_000, 48_000])
  func `PCM of 16 bits is read at each rate that is played, and written as the same`(rate: Int) throws {
    let read = try WaveFile.parse(Bytes(file(rate)))
    #expect(read == WaveFile(samples: [1, -2, 300, -400], sampleRate: rate))
    #expect(read.serialized == file(rate))
  }

  @Test func `of two channels the first is played, and chunks of others are passed over, also odd ones`() throws {
    let list: [UInt8] = Array("LIST".utf8) + [3, 0, 0, 0, 1, 2, 3, 0]
    #expect(try WaveFile.parse(Bytes(file(channels: 2, between: list))).samples == [1, 300])
  }

  @Test func `what is not played says where and why`() {
    #expect(fault([]) == WaveFile.Fault(position: 0, reason: "a WAV file begins with RIFF, four octets of length, and WAVE"))
    #expect(fault(file(coding: 7)) == WaveFile.Fault(position: 20, reason: "coding 7 is not PCM, which is 1"))
    #expect(fault(file(bits: 8)) == WaveFile.Fault(position: 34, reason: "samples of 8 bits are not played, those of 16 are"))
    #expect(fault(file(44_100))?.position == 24)
    #expect(fault(file(channels: 0))?.position == 22)
    #expect(
      fault(Array(file().dropLast(3))) == WaveFile.Fault(position: 40, reason: "the chunk 'data' has 8 octets, and 5 follow"))
    #expect(fault(Array(file().prefix(36)))?.reason == "there is no chunk 'data'")
    #expect(fault(file() + [0])?.reason == nil)
    #expect(fault(Array(file().prefix(40)))?.reason == "the head of a chunk is cut off")
  }
}
