extension UnsafeBufferPointer where Element == Int16 {
  /// The least and the greatest sample, in a loop that a processor does eight at a time; nil for no samples.
  public var extremes: (least: Int16, greatest: Int16)? {
    guard let samples = baseAddress, count > 0 else { return nil }
    var (least, greatest) = (samples[0], samples[0])
    var index = 1
    while index < count {
      let sample = samples[index]
      least = sample < least ? sample : least
      greatest = sample > greatest ? sample : greatest
      index &+= 1
    }
    return (least, greatest)
  }
}
