import Codecs
import SansIO

/// A WAV file: what is played lies in the file, and a file written from it is read as the same.
enum WaveTarget {
  static func run(_ input: [UInt8]) {
    guard let file = try? WaveFile.parse(Bytes(input)) else { return }
    hold(2 * file.samples.count <= input.count, "no more samples than the file has room for")
    hold(WaveFile.sampleRates.contains(file.sampleRate), "a rate that is played")
    hold((try? WaveFile.parse(Bytes(file.serialized))) == file, "what is written is read as the same")
  }
}
