import Codecs
import SansIO

// What a stream hears on its way into another one, or back.
extension MediaStream {
  mutating func bridge(to end: BridgeEnd?) {
    bridgeEnd = end
    receiver.setTapped(end != nil)
    if end == nil { sender.unbridge() }
  }

  /// Puts what was heard since the last time into `heard`, for another stream; false when there was nothing.
  public mutating func takeHeard(into heard: inout AudioFrame) -> Bool { receiver.takeHeard(into: &heard) }

  /// Sends what was heard back to who said it.
  mutating func echo() {
    var heard = AudioFrame(sampleRate: codec.sampleRate)
    swap(&heard, &echoed)
    if receiver.takeHeard(into: &heard) { sender.hear(heard) }
    swap(&heard, &echoed)
  }

  /// Sends what another stream heard, from the next packet on.
  public mutating func hear(_ heard: AudioFrame) { sender.hear(heard) }
}
