import SansIO

extension AudioDecoder {
  /// Makes up for a frame that did not come: the one before it once more, half as loud.
  public mutating func conceal(milliseconds: Int, into frame: inout AudioFrame) {
    frame.sampleRate = codec.sampleRate
    frame.resize(codec.samples(milliseconds: milliseconds))
    for index in frame.samples.indices { frame.samples[index] /= 2 }
  }

  /// Makes up for a frame that did not come by what the packet behind it tells of it, if anything.
  public mutating func recover(_ next: Bytes, milliseconds: Int, into frame: inout AudioFrame) {
    conceal(milliseconds: milliseconds, into: &frame)
  }
}
